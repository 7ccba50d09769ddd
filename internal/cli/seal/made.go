package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/usage"
)

// made is a Secret that is made of flags.
type made struct {
	name, namespace, kind    string
	files, prompts, literals []string
}

// any says whether one is asked for.
func (m made) any() bool {
	return m.name+m.namespace+m.kind != "" || len(m.files)+len(m.prompts)+len(m.literals) > 0
}

// validKey is how a key of a Secret may look.
var validKey = regexp.MustCompile(`^[-._a-zA-Z0-9]{1,253}$`)

func (m made) check() error {
	if len(m.files)+len(m.prompts)+len(m.literals) == 0 {
		return usage.Errorf("--name needs values: --from-file [KEY=]FILE, --prompt KEY or --from-literal KEY=VALUE")
	}
	seen := map[string]bool{}
	for _, key := range m.keys() {
		switch {
		case !validKey.MatchString(key):
			return usage.Errorf("%q can't be a key of a Secret: letters, digits, -, _ and . can", key)
		case seen[key]:
			return usage.Errorf("the key %s is given twice", key)
		}
		seen[key] = true
	}
	inputs := 0
	for _, f := range m.files {
		if _, path := ofFile(f); path == "-" {
			inputs++
		}
	}
	if inputs > 1 {
		return usage.Errorf("the input can be one value, and --from-file KEY=- is given %d times", inputs)
	}
	for _, l := range m.literals {
		if !strings.Contains(l, "=") {
			return usage.Errorf("--from-literal needs KEY=VALUE") // what was given may be the value
		}
	}
	return nil
}

// keys are the keys of all values.
func (m made) keys() (keys []string) {
	for _, f := range m.files {
		key, _ := ofFile(f)
		keys = append(keys, key)
	}
	keys = append(keys, m.prompts...)
	for _, l := range m.literals {
		if key, _, found := strings.Cut(l, "="); found {
			keys = append(keys, key)
		}
	}
	return keys
}

// ofFile is the key and the path of [KEY=]FILE.
func ofFile(given string) (key, path string) {
	if key, path, found := strings.Cut(given, "="); found {
		return key, path
	}
	return filepath.Base(given), given
}

// manifest is the Secret as YAML.
func (m made) manifest(env cli.Env) ([]byte, error) {
	s := manifest{APIVersion: "v1", Kind: "Secret", Type: m.kind, Data: map[string]string{}, StringData: map[string]string{}}
	s.Metadata.Name, s.Metadata.Namespace = m.name, m.namespace
	for _, f := range m.files {
		key, path := ofFile(f)
		value, err := m.read(env, path)
		if err != nil {
			return nil, err
		}
		s.put(key, value)
	}
	for _, key := range m.prompts {
		value, err := env.ReadSecret(key + ": ")
		if errors.Is(err, cli.ErrNoTerminal) {
			return nil, usage.Errorf("--prompt %s: %w: use --from-file %[1]s=-", key, err)
		}
		if err != nil {
			return nil, fmt.Errorf("--prompt %s: %w", key, err)
		}
		s.put(key, []byte(value))
	}
	for _, l := range m.literals {
		key, value, _ := strings.Cut(l, "=")
		s.put(key, []byte(value))
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("the Secret %s can't be written", m.name)
	}
	return out.Bytes(), nil
}

func (m made) read(env cli.Env, path string) ([]byte, error) {
	if path == "-" {
		return bounded("the input", env.In)
	}
	return readFile(path)
}

// manifest is a Secret as it is written.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace,omitempty"`
	} `yaml:"metadata"`
	Type       string            `yaml:"type,omitempty"`
	Data       map[string]string `yaml:"data,omitempty"`
	StringData map[string]string `yaml:"stringData,omitempty"`
}

// put adds a value: as text if it is some.
func (s *manifest) put(key string, value []byte) {
	if utf8.Valid(value) && !bytes.ContainsRune(value, 0) {
		s.StringData[key] = string(value)
		return
	}
	s.Data[key] = base64.StdEncoding.EncodeToString(value)
}

// maxInput bounds what is read.
const maxInput = 4 << 20

func bounded(name string, from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxInput)
	}
	return content, err
}
