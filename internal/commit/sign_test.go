package commit_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"golang.org/x/crypto/ssh"

	"plumb.dev/plumb/internal/commit"
)

// sshKey is a key file, with the public half beside it.
func sshKey(t *testing.T, kind string) commit.KeyFile {
	t.Helper()
	var private crypto.Signer
	var err error
	switch kind {
	case "rsa":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := keyFile(t, pem.EncodeToMemory(block))
	write(t, string(file)+".pub", ssh.MarshalAuthorizedKey(public))
	return file
}

func keyFile(t *testing.T, content []byte) commit.KeyFile {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, content)
	return commit.KeyFile(file)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSignedWithSSH: git and ssh-keygen take the signature for good, and for bad
// if anything of the commit were another.
func TestSignedWithSSH(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is needed to check signatures")
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			key := sshKey(t, kind)
			f := start(t, commit.Options{Signer: key})
			f.repo.Commit(map[string]string{"x": "1"})
			done, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"x": put("2")})})
			if err != nil {
				t.Fatal(err)
			}
			public, err := os.ReadFile(string(key) + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			allowed := filepath.Join(t.TempDir(), "allowed")
			write(t, allowed, append([]byte(`plumb@example.com namespaces="git" `), public...))
			f.repo.Git("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", done.Commit)
			f.repo.Git("fsck", "--strict", "--no-dangling")

			signature, payload := signatureOf(f.repo.Git("cat-file", "commit", done.Commit) + "\n")
			file := filepath.Join(t.TempDir(), "signature")
			write(t, file, []byte(signature))
			for text, good := range map[string]bool{payload: true, payload + "\n": false, strings.Replace(payload, "Plumb", "Eve", 1): false} {
				cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "plumb@example.com", "-n", "git", "-s", file)
				cmd.Stdin = strings.NewReader(text)
				if out, err := cmd.CombinedOutput(); (err == nil) != good {
					t.Errorf("%q: %v\n%s", text, err, out)
				}
			}
		})
	}
}

// TestSignedInTheNewFormat: where objects are named by SHA-256, a signature goes
// by another name.
func TestSignedInTheNewFormat(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is needed to check signatures")
	}
	key := sshKey(t, "ed25519")
	f := start(t, commit.Options{Signer: key})
	f.repo.Remake("sha256")
	f.repo.Commit(map[string]string{"x": "1", "a/b": "2"})
	done, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"a/b": put("3")})})
	if err != nil || len(done.Commit) != 64 || f.show("main", "a/b") != "3" {
		t.Fatalf("got %+v, %v", done, err)
	}
	public, err := os.ReadFile(string(key) + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	allowed := filepath.Join(t.TempDir(), "allowed")
	write(t, allowed, append([]byte("plumb@example.com "), public...))
	f.repo.Git("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", done.Commit)
	f.repo.Git("fsck", "--strict", "--no-dangling")
}

// signatureOf takes the signature out of a commit, as who checks it does.
func signatureOf(object string) (signature, payload string) {
	in := false
	for line := range strings.Lines(object) {
		switch rest, is := strings.CutPrefix(line, "gpgsig "); {
		case is:
			in = true
			signature = rest
		case in && strings.HasPrefix(line, " "):
			signature += line[1:]
		default:
			in = false
			payload += line
		}
	}
	return signature, payload
}

func pgpKey(t *testing.T, passphrase string) (commit.KeyFile, openpgp.EntityList) {
	t.Helper()
	entity, err := openpgp.NewEntity("Plumb", "", "plumb@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if passphrase != "" {
		if err := entity.EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PrivateKeyType, nil)
	if err == nil && passphrase == "" {
		err = entity.SerializePrivate(w, nil)
	} else if err == nil {
		err = entity.SerializePrivateWithoutSigning(w, nil)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(t, b.Bytes()), openpgp.EntityList{entity}
}

func TestSignedWithOpenPGP(t *testing.T) {
	t.Parallel()
	key, ring := pgpKey(t, "")
	f := start(t, commit.Options{Signer: key})
	f.repo.Commit(map[string]string{"x": "1"})
	done, err := f.commit(commit.Request{Branch: "main", Edit: files(map[string]commit.File{"x": put("2")})})
	if err != nil {
		t.Fatal(err)
	}
	signature, payload := signatureOf(f.repo.Git("cat-file", "commit", done.Commit) + "\n")
	for text, good := range map[string]bool{payload: true, payload + "\n": false} {
		if _, err := openpgp.CheckArmoredDetachedSignature(ring, strings.NewReader(text), strings.NewReader(signature), nil); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	f.repo.Git("fsck", "--strict", "--no-dangling")
	verifyWithGPG(t, key, signature, payload)
}

// verifyWithGPG asks the program that most people check with, where there is one.
func verifyWithGPG(t *testing.T, key commit.KeyFile, signature, payload string) {
	t.Helper()
	if _, err := exec.LookPath("gpgv"); err != nil {
		return
	}
	ring := openpgp.EntityList{}
	b, err := os.ReadFile(string(key))
	if err == nil {
		ring, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var public bytes.Buffer
	if err := ring[0].Serialize(&public); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ring.gpg"), public.Bytes())
	write(t, filepath.Join(dir, "signature"), []byte(signature))
	write(t, filepath.Join(dir, "payload"), []byte(payload))
	cmd := exec.Command("gpgv", "--homedir", dir, "--keyring", filepath.Join(dir, "ring.gpg"), filepath.Join(dir, "signature"), filepath.Join(dir, "payload"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("gpgv: %v\n%s", err, out)
	}
}

// TestKeysThatCannotSign: each is told of before anything is written, and no
// error holds any of the key.
func TestKeysThatCannotSign(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "test", []byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	open := sshKey(t, "ed25519")
	if err := os.Chmod(string(open), 0o644); err != nil {
		t.Fatal(err)
	}
	locked, _ := pgpKey(t, "open")
	for name, test := range map[string]struct {
		key  commit.KeyFile
		says string
	}{
		"readable by others":    {open, "chmod 600 " + string(open)},
		"not there":             {commit.KeyFile(filepath.Join(t.TempDir(), "none")), "no such file"},
		"with a passphrase":     {keyFile(t, pem.EncodeToMemory(block)), "passphrase"},
		"OpenPGP, passphrase":   {locked, "passphrase"},
		"no key":                {keyFile(t, []byte(canary)), "neither"},
		"half a key":            {keyFile(t, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"+canary+"\n-----END OPENSSH PRIVATE KEY-----\n")), "neither"},
		"half a key of OpenPGP": {keyFile(t, []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n"+canary)), "armored private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.key.Check()
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), string(test.key)) {
				t.Errorf("got %v, want an error that says %q", err, test.says)
			}
			if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "open\"")) {
				t.Errorf("error holds the key: %v", err)
			}
		})
	}
}

// TestAnotherKeyTakesItsPlace: the file is read for each commit.
func TestAnotherKeyTakesItsPlace(t *testing.T) {
	t.Parallel()
	key := sshKey(t, "ed25519")
	first, err := key.Sign([]byte("x"), time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(string(sshKey(t, "ecdsa")))
	if err != nil {
		t.Fatal(err)
	}
	write(t, string(key), b)
	if second, err := key.Sign([]byte("x"), time.Unix(1, 0)); err != nil || len(second) == len(first) {
		t.Errorf("got %q, %v", second, err)
	}
	if err := os.Chmod(string(key), 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign([]byte("x"), time.Unix(1, 0)); err == nil {
		t.Error("a key that others may read by now was used")
	}
}
