package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"stint/internal/config"
)

// lookAgain is how often a renewed certificate is looked for.
const lookAgain = time.Minute

// keyPair is the server's certificate and key, which are read again when their
// files change. A nil keyPair is a server without TLS.
type keyPair struct {
	certificate, key string // files
	log              *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	newest time.Time // modification of the newer file, as it was read
	looked time.Time
}

func certificates(c *config.Config, log *slog.Logger) (*keyPair, error) {
	if c.TLS.Certificate == "" {
		return nil, nil
	}
	k := &keyPair{certificate: c.TLS.Certificate, key: c.TLS.Key, log: log}
	return k, k.read()
}

func (k *keyPair) read() error {
	newest, err := k.modified()
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return fmt.Errorf("tls.certificate %s and tls.key %s: %w", k.certificate, k.key, err)
	}
	k.pair, k.newest, k.looked = &pair, newest, time.Now()
	return nil
}

func (k *keyPair) modified() (newest time.Time, err error) {
	for _, file := range []string{k.certificate, k.key} {
		info, err := os.Stat(file)
		if err != nil {
			return newest, err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}

// get returns the certificate. A pair of files that can't be used, such as one
// that is being replaced, leaves the old one in force.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < lookAgain {
		return k.pair, nil
	}
	k.looked = time.Now()
	if newest, err := k.modified(); err == nil && newest.Equal(k.newest) {
		return k.pair, nil
	}
	if err := k.read(); err != nil {
		k.log.Error("the old certificate stays in use", "error", err)
	}
	return k.pair, nil
}

// config is nil for a server without TLS.
func (k *keyPair) config() *tls.Config {
	if k == nil {
		return nil
	}
	return &tls.Config{GetCertificate: k.get, MinVersion: tls.VersionTLS12}
}

// name is the first host name that the certificate is for; "" without TLS.
func (k *keyPair) name() string {
	switch {
	case k == nil:
		return ""
	case len(k.pair.Leaf.DNSNames) > 0:
		return k.pair.Leaf.DNSNames[0]
	case len(k.pair.Leaf.IPAddresses) > 0:
		return k.pair.Leaf.IPAddresses[0].String()
	}
	return "localhost"
}
