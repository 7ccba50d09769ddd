package client

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/server"
)

// DefaultAddress is where the daemon listens, and clients look for it, unless
// told otherwise.
const DefaultAddress = "127.0.0.1:7586"

// Flags are what the command line says about the daemon.
type Flags struct {
	Server    string // HOST:PORT or a URL
	TokenFile string // the file with its token
	PlainHTTP bool   // send the token unencrypted to another machine too
}

// Find finds the daemon and its token: by the flags, the environment, the
// configuration, or what a daemon of this machine left in its data folder.
func Find(f Flags, getenv func(string) string) (Options, error) {
	places, err := gather(getenv)
	if err != nil {
		return Options{}, err
	}
	places.flagServer, places.flagTokenFile = f.Server, f.TokenFile
	chosen := places.settle()
	token, err := chosen.readToken()
	return Options{Server: chosen.server, Token: token, PlainHTTP: f.PlainHTTP}, err
}

// config is the file ~/.config/plumb/config.yaml.
type config struct {
	// Server is HOST:PORT or a URL.
	Server string `json:"server"`
	// TokenFile holds the token that goes with Server. A relative path starts
	// at the configuration's folder.
	TokenFile string `json:"tokenFile"`
}

// sources is what each place says about the server and its token.
type sources struct {
	flagServer, flagTokenFile         string
	envServer, envToken, envTokenFile string
	config                            config
	announced                         string // by the daemon, in its data folder
	dataTokenFile                     string
}

// settings say which server is asked, and where its token is.
type settings struct {
	server    string
	token     string // as given; otherwise it is in tokenFile
	tokenFile string // empty: there is none for this server
}

// settle chooses among the places: flags, then the environment, then the
// configuration, then what a daemon of this machine left. A token that is not
// given outright goes only with the server that it was kept for.
func (s sources) settle() settings {
	var local bool
	chosen := settings{server: cmp.Or(s.flagServer, s.envServer, s.config.Server)}
	if chosen.server == "" {
		chosen.server, local = cmp.Or(s.announced, DefaultAddress), true
	}
	local = local || same(chosen.server, cmp.Or(s.announced, DefaultAddress))
	configured := s.config.TokenFile != "" && (same(chosen.server, s.config.Server) || s.config.Server == "" && local)
	switch {
	case s.flagTokenFile != "":
		chosen.tokenFile = s.flagTokenFile
	case s.envToken != "":
		chosen.token = s.envToken
	case s.envTokenFile != "":
		chosen.tokenFile = s.envTokenFile
	case configured:
		chosen.tokenFile = s.config.TokenFile
	case local:
		chosen.tokenFile = s.dataTokenFile
	}
	return chosen
}

// same says whether two texts name one server.
func same(a, b string) bool {
	plain := func(s string) string {
		return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(s, "http://"), "/"))
	}
	return plain(a) == plain(b)
}

// gather reads what the places say, besides the flags.
func gather(getenv func(string) string) (sources, error) {
	s := sources{envServer: getenv("PLUMB_SERVER"), envToken: getenv("PLUMB_TOKEN"), envTokenFile: getenv("PLUMB_TOKEN_FILE")}
	var err error
	if s.config, err = readConfig(configFile(getenv)); err != nil {
		return s, err
	}
	data := DefaultData(getenv)
	s.dataTokenFile = filepath.Join(data, server.TokenFile)
	address, err := os.ReadFile(filepath.Join(data, server.AddressFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return s, err
	}
	s.announced = strings.TrimSpace(string(address))
	return s, nil
}

// configFile is where the configuration is, if there is any.
func configFile(getenv func(string) string) string {
	return filepath.Join(UnderHome(getenv, "XDG_CONFIG_HOME", ".config"), "plumb", "config.yaml")
}

// DefaultData is the daemon's data folder unless told otherwise.
func DefaultData(getenv func(string) string) string {
	if data := getenv("PLUMB_DATA"); data != "" {
		return data
	}
	if os.Geteuid() == 0 {
		return "/var/lib/plumb"
	}
	return filepath.Join(UnderHome(getenv, "XDG_DATA_HOME", filepath.Join(".local", "share")), "plumb")
}

// UnderHome is a folder of the XDG base directory specification, which has
// relative ones ignored.
func UnderHome(getenv func(string) string, variable, below string) string {
	if dir := getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(getenv("HOME"), below)
}

// readConfig reads the configuration; without a file it is empty.
func readConfig(path string) (config, error) {
	var c config
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := yaml.UnmarshalStrict(content, &c); err != nil {
		return c, fmt.Errorf("%s: %w; it may hold server and tokenFile", path, err)
	}
	if c.TokenFile != "" && !filepath.IsAbs(c.TokenFile) {
		c.TokenFile = filepath.Join(filepath.Dir(path), c.TokenFile)
	}
	return c, nil
}

// readToken is the token that goes with the server.
func (s settings) readToken() (string, error) {
	if s.token != "" {
		return s.token, nil
	}
	if s.tokenFile == "" {
		return "", fmt.Errorf("there is no token for %s: name its file with --token-file or PLUMB_TOKEN_FILE, or set PLUMB_TOKEN", s.server)
	}
	content, err := os.ReadFile(s.tokenFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no token at %s, where a daemon of this machine would have left it: "+
			"start one with `plumb run --root URL`, set PLUMB_DATA to its data folder, or name another with --server and --token-file", s.tokenFile)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%w: the token is for the user that the daemon runs as; ask that user for it, and name its file with --token-file", err)
	case err != nil:
		return "", err
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("%s is empty, and should hold the daemon's token", s.tokenFile)
	}
	return token, nil
}
