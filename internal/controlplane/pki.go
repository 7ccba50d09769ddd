package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// Names of the authorities. etcd has its own, so that no client of the API server can talk to etcd.
const (
	clusterCA = "ca"
	etcdCA    = "etcd-ca"
	// serviceAccounts signs the tokens of service accounts; it is a key pair without a certificate.
	serviceAccounts = "service-accounts"
)

// Users of the API server, by the names that its built-in RBAC roles know.
const (
	userAdmin             = "admin"
	userControllerManager = "controller-manager"
	userScheduler         = "scheduler"
	userNodes             = "nodes"
)

// validity is long because nobody renews certificates of a control plane for development; they never leave its folder.
const validity = 10 * 365 * 24 * time.Hour

// leaf describes one certificate and its key, stored under name.
type leaf struct {
	name         string
	authority    string
	commonName   string
	organization string
	usage        []x509.ExtKeyUsage
	hosts        []string
}

func leaves() []leaf {
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	apiHosts := []string{
		"127.0.0.1", "localhost", firstServiceIP,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	return []leaf{
		// etcd is a client of itself: its gateway dials its own server, and peers authenticate each other.
		{name: "etcd", authority: etcdCA, commonName: "etcd", usage: both, hosts: []string{"127.0.0.1", "localhost"}},
		{name: "apiserver-etcd", authority: etcdCA, commonName: "kube-apiserver", usage: client},
		{name: "apiserver", authority: clusterCA, commonName: "kube-apiserver", usage: server, hosts: apiHosts},
		{name: "apiserver-kubelet", authority: clusterCA, commonName: "plumb:apiserver-kubelet", usage: client},
		{name: userAdmin, authority: clusterCA, commonName: "plumb:admin", organization: "system:masters", usage: client},
		{name: userControllerManager, authority: clusterCA, commonName: "system:kube-controller-manager", usage: client},
		{name: userScheduler, authority: clusterCA, commonName: "system:kube-scheduler", usage: client},
		{name: userNodes, authority: clusterCA, commonName: nodesUserName, usage: client},
	}
}

// createPKI makes all keys and certificates, unless they are there. They appear together or not at all: a folder is filled beside and renamed.
func createPKI(l layout, now time.Time) error {
	if _, err := os.Stat(l.pki()); err == nil {
		return nil
	}
	next := layout{l.nextPKI()}
	if err := os.RemoveAll(next.dir); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	if err := os.MkdirAll(next.pki(), 0o700); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	if err := writePKI(next, now); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	if err := os.Rename(next.pki(), l.pki()); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	return os.RemoveAll(next.dir)
}

func writePKI(l layout, now time.Time) error {
	authorities := map[string]authority{}
	for _, name := range []string{clusterCA, etcdCA} {
		ca, err := newAuthority(name, now)
		if err != nil {
			return err
		}
		authorities[name] = ca
		if err := ca.store(l, name); err != nil {
			return err
		}
	}
	for _, leaf := range leaves() {
		pair, err := authorities[leaf.authority].issue(leaf, now)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", leaf.name, err)
		}
		if err := pair.store(l, leaf.name); err != nil {
			return err
		}
	}
	return writeServiceAccountKey(l)
}

func writeServiceAccountKey(l layout) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writeKey(l.key(serviceAccounts), key); err != nil {
		return err
	}
	return writePEM(l.cert(serviceAccounts), "PUBLIC KEY", public)
}

// authority signs certificates; pair is a certificate with its key. An authority is a pair whose certificate may sign.
type (
	authority struct{ pair }
	pair      struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
)

func newAuthority(name string, now time.Time) (authority, error) {
	key, err := newKey()
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "plumb dev " + name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, key.Public(), key, now)
	return authority{pair{cert, key}}, err
}

func (a authority) issue(leaf leaf, now time.Time) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: leaf.commonName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: leaf.usage,
	}
	if leaf.organization != "" {
		template.Subject.Organization = []string{leaf.organization}
	}
	for _, host := range leaf.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	cert, err := sign(template, a.cert, key.Public(), a.key, now)
	return pair{cert, key}, err
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = now.Add(-5 * time.Minute) // clocks that were just set back
	template.NotAfter = now.Add(validity)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (p pair) store(l layout, name string) error {
	if err := writeKey(l.key(name), p.key); err != nil {
		return err
	}
	return writePEM(l.cert(name), "CERTIFICATE", p.cert.Raw)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// readAuthority is the pool that trusts nothing but the named authority of this folder.
func readAuthority(l layout, name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(l.cert(name))
	if err != nil {
		return nil, fmt.Errorf("read the control plane's authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("read the control plane's authority: no certificate in " + l.cert(name))
	}
	return pool, nil
}
