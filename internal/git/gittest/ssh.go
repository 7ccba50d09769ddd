package gittest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSHServer serves repositories over SSH to the owner of one key.
type SSHServer struct {
	// Addr is host:port, ClientKey the private key that it lets in, and
	// KnownHosts a line with its host key.
	Addr       string
	ClientKey  []byte
	KnownHosts []byte
	// MayPush is set before anyone connects.
	MayPush bool
	root    string
}

// ServeSSH serves the repository over SSH.
func (r *Repo) ServeSSH() *SSHServer {
	r.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = listener.Close() })
	hostKey, _ := NewSSHKey(r.t)
	clientKey, clientPEM := NewSSHKey(r.t)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(clientKey.PublicKey().Marshal()) {
				return nil, fmt.Errorf("unknown key")
			}
			return nil, nil
		},
	}
	config.AddHostKey(hostKey)
	s := &SSHServer{Addr: listener.Addr().String(), ClientKey: clientPEM, root: r.Root}
	s.KnownHosts = []byte(knownhosts.Line([]string{s.Addr}, hostKey.PublicKey()) + "\n")
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go s.connection(conn, config)
		}
	}()
	return s
}

// Repo is the address of a repository.
func (s *SSHServer) Repo(r *Repo) string { return "ssh://git@" + s.Addr + "/" + filepath.Base(r.Dir) }

// NewSSHKey makes a key, and its private half as PEM.
func NewSSHKey(t testing.TB) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func (s *SSHServer) connection(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

// session runs one git-upload-pack 'PATH' or git-receive-pack 'PATH'.
func (s *SSHServer) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	var protocol string
	for req := range requests {
		switch req.Type {
		case "env":
			var v struct{ Name, Value string }
			if ssh.Unmarshal(req.Payload, &v) == nil && v.Name == "GIT_PROTOCOL" {
				protocol = v.Value
			}
			_ = req.Reply(true, nil)
		case "exec":
			var v struct{ Command string }
			_ = req.Reply(ssh.Unmarshal(req.Payload, &v) == nil, nil)
			status := s.serve(channel, v.Command, protocol)
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			return
		default:
			_ = req.Reply(false, nil)
		}
	}
}

func (s *SSHServer) serve(channel ssh.Channel, command, protocol string) uint32 {
	program, path, _ := strings.Cut(command, " '/")
	switch {
	case program == "git-receive-pack" && !s.MayPush:
		_, _ = io.WriteString(channel.Stderr(), "ERROR: The key you are authenticating with has been marked as read only.\n")
		return 1
	case program != "git-upload-pack" && program != "git-receive-pack":
		_, _ = io.WriteString(channel.Stderr(), "only git-upload-pack and git-receive-pack are served\n")
		return 1
	}
	cmd := exec.Command(program, filepath.Join(s.root, filepath.Base(strings.TrimSuffix(path, "'"))))
	cmd.Env = append(environ(), "GIT_PROTOCOL="+protocol)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(in, channel)
		_ = in.Close()
	}()
	if cmd.Wait() != nil {
		return 128
	}
	return 0
}
