package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sshSession holds what one run of the ssh program needs: the known hosts in a
// file, and the key in an agent inside this process, so that it is never
// written anywhere and the program can only have things signed by it.
type sshSession struct {
	folder string
	agent  net.Listener
}

// openSSH prepares a run. It is closed when the run has ended.
func openSSH(c Credentials) (*sshSession, error) {
	folder, err := os.MkdirTemp("", "plumb-ssh-") // short: a socket's path may have some hundred bytes
	if err != nil {
		return nil, fmt.Errorf("make a folder for the ssh agent: %w", err)
	}
	s := &sshSession{folder: folder}
	if err := os.WriteFile(s.knownHosts(), c.KnownHosts, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write known hosts: %w", err), s.Close())
	}
	if len(c.PrivateKey) > 0 {
		if err := s.serve(c.PrivateKey); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *sshSession) knownHosts() string { return filepath.Join(s.folder, "known_hosts") }

func (s *sshSession) socket() string {
	if s.agent == nil {
		return "none"
	}
	return filepath.Join(s.folder, "agent")
}

// Close ends the agent and removes the files.
func (s *sshSession) Close() error {
	if s.agent != nil {
		_ = s.agent.Close()
	}
	return os.RemoveAll(s.folder)
}

// serve answers the ssh program as an agent that has this one key.
func (s *sshSession) serve(pem []byte) error {
	key, err := ssh.ParseRawPrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return errors.New("the SSH private key has a passphrase: give one without (ssh-keygen -p)")
	}
	if err != nil {
		return errors.New("the SSH private key can't be read: give an OpenSSH or PEM private key")
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return fmt.Errorf("use the SSH private key: %w", err)
	}
	listener, err := net.Listen("unix", filepath.Join(s.folder, "agent"))
	if err != nil {
		return fmt.Errorf("serve the SSH private key: %w", err)
	}
	s.agent = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				_ = agent.ServeAgent(keys, conn)
				_ = conn.Close()
			}()
		}
	}()
	return nil
}

// environ makes git start ssh with nothing but our own settings. Only the
// agent's key is offered: IdentitiesOnly would leave the agent out, so the
// identity files are turned off instead.
func (s *sshSession) environ(stall int) []string {
	options := []string{
		"BatchMode=yes",
		"StrictHostKeyChecking=yes",
		"UserKnownHostsFile=" + sshPath(s.knownHosts()),
		"GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",
		"IdentityFile=none",
		"IdentityAgent=" + sshPath(s.socket()),
		"IdentitiesOnly=no",
		"ForwardAgent=no",
		"ForwardX11=no",
		"ClearAllForwardings=yes",
		"PermitLocalCommand=no",
		"ControlPath=none",
		"LogLevel=ERROR",
		fmt.Sprintf("ConnectTimeout=%d", stall),
		fmt.Sprintf("ServerAliveInterval=%d", max(1, stall/3)),
		"ServerAliveCountMax=3",
	}
	line := "ssh -F /dev/null"
	for _, o := range options {
		line += " -o " + shellQuote(o)
	}
	return []string{"GIT_SSH_COMMAND=" + line, "GIT_SSH_VARIANT=ssh"}
}

// sshPath writes a path as ssh's configuration reads it.
func sshPath(path string) string {
	if path == "none" {
		return path
	}
	return `"` + strings.ReplaceAll(path, "%", "%%") + `"`
}

// shellQuote makes one word of s for the shell that git starts ssh with.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
