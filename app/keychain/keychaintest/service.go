//go:build linux

// Package keychaintest is a Secret Service on a session bus of its own, in
// memory, for tests: org.freedesktop.Secret with one collection that is never
// locked.
package keychaintest

import (
	"bufio"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

const (
	root       = "/org/freedesktop/secrets"
	collection = root + "/collection/login"
	name       = "org.freedesktop.secrets"
)

type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string `dbus:"content_type"`
}

// Service is the daemon with its bus.
type Service struct {
	Address string // for DBUS_SESSION_BUS_ADDRESS
	bus     *exec.Cmd
	conn    *dbus.Conn

	mu    sync.Mutex
	items map[dbus.ObjectPath]*item
	next  int
}

type item struct {
	s          *Service
	path       dbus.ObjectPath
	attributes map[string]string
	value      secret
}

// New starts one. Close it.
func New() (*Service, error) {
	s := &Service{bus: exec.Command("dbus-daemon", "--session", "--nofork", "--print-address"), items: map[dbus.ObjectPath]*item{}}
	out, err := s.bus.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.bus.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.Close()
		return nil, err
	}
	s.Address = strings.TrimSpace(line)
	if s.conn, err = dbus.Connect(s.Address); err != nil {
		s.Close()
		return nil, err
	}
	for path, exported := range map[dbus.ObjectPath][]any{
		root:                {service{s}, "org.freedesktop.Secret.Service"},
		collection:          {box{s}, "org.freedesktop.Secret.Collection"},
		root + "/session/s": {session{}, "org.freedesktop.Secret.Session"},
	} {
		if err := s.conn.Export(exported[0], path, exported[1].(string)); err != nil {
			s.Close()
			return nil, err
		}
	}
	if _, err := prop.Export(s.conn, root, prop.Map{"org.freedesktop.Secret.Service": {
		"Collections": {Value: []dbus.ObjectPath{collection}}}}); err != nil {
		s.Close()
		return nil, err
	}
	if _, err := s.conn.RequestName(name, 0); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends service and bus.
func (s *Service) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	_ = s.bus.Process.Kill()
	_ = s.bus.Wait()
}

// Count is how many secrets are kept.
func (s *Service) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items)
}

type service struct{ s *Service }

func (service) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), root + "/session/s", nil
}

func (service) Unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return objects, "/", nil
}

type session struct{}

func (session) Close() *dbus.Error { return nil }

type box struct{ s *Service }

func (b box) SearchItems(attributes map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	found := []dbus.ObjectPath{}
	for path, i := range b.s.items {
		all := true
		for k, v := range attributes {
			all = all && i.attributes[k] == v
		}
		if all {
			found = append(found, path)
		}
	}
	return found, nil
}

func (b box) CreateItem(properties map[string]dbus.Variant, value secret, replace bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	var attributes map[string]string
	if err := properties["org.freedesktop.Secret.Item.Attributes"].Store(&attributes); err != nil {
		return "/", "/", dbus.MakeFailedError(err)
	}
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for path, i := range b.s.items {
		if replace && maps.Equal(i.attributes, attributes) {
			i.value = value
			return path, "/", nil
		}
	}
	b.s.next++
	i := &item{b.s, dbus.ObjectPath(fmt.Sprintf("%s/%d", collection, b.s.next)), attributes, value}
	if err := b.s.conn.Export(i, i.path, "org.freedesktop.Secret.Item"); err != nil {
		return "/", "/", dbus.MakeFailedError(err)
	}
	b.s.items[i.path] = i
	return i.path, "/", nil
}

// GetSecret is of org.freedesktop.Secret.Item.
func (i *item) GetSecret(session dbus.ObjectPath) (secret, *dbus.Error) {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	v := i.value
	v.Session = session
	return v, nil
}

// Delete is of org.freedesktop.Secret.Item.
func (i *item) Delete() (dbus.ObjectPath, *dbus.Error) {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	delete(i.s.items, i.path)
	_ = i.s.conn.Export(nil, i.path, "org.freedesktop.Secret.Item")
	return "/", nil
}
