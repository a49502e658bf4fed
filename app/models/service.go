package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"qwill/app/disk"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/filelock"
	"qwill/engine"
)

// Engine is what models need of the engine.
type Engine interface {
	// Import converts a GGUF file into a folder that does not exist yet.
	Import(ctx context.Context, source, target string) (engine.ImportResult, error)
	// Quantize makes a quantized folder of one that is not.
	Quantize(ctx context.Context, p engine.QuantizeParams, progress func(engine.LoadProgress)) (engine.ImportResult, error)
}

// Service answers what is installed, and installs and removes.
type Service struct {
	store    Store
	engine   Engine
	events   *events.Broker
	folder   string        // of our own models
	fallback func() string // the chosen default model's name, or ""
	starter  func() (string, error)
	unload   func(ctx context.Context, path string) error
	disk     disk.FS

	ops sync.Mutex // one change at a time
}

// Config wires a Service.
type Config struct {
	Store   Store
	Engine  Engine
	Events  *events.Broker
	Folder  string                                       // of our own models
	Default func() string                                // the chosen default model's name, or ""
	Starter func() (string, error)                       // finds the starter's GGUF file; nil: FindStarter
	Unload  func(ctx context.Context, path string) error // frees a model before its files go; may be nil
	Disk    disk.FS                                      // what a download is published by; nil: the system's
}

// New makes a service.
func New(c Config) *Service {
	if c.Starter == nil {
		c.Starter = FindStarter
	}
	if c.Default == nil {
		c.Default = func() string { return "" }
	}
	if c.Disk == nil {
		c.Disk = disk.OS
	}
	return &Service{store: c.Store, engine: c.Engine, events: c.Events, folder: c.Folder, fallback: c.Default, starter: c.Starter, unload: c.Unload, disk: c.Disk}
}

// List gives the installed models by name; those whose folder is away now are
// marked, not dropped.
func (s *Service) List(ctx context.Context) ([]Model, error) {
	all, err := s.store.Models(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Missing = !present(all[i].Path)
		all[i].Role = Role(all[i].Path, all[i].Repo)
	}
	if all == nil {
		all = []Model{}
	}
	return all, nil
}

func present(path string) bool {
	_, err := os.Stat(filepath.Join(path, "config.json"))
	return err == nil
}

// Find gives an installed model that is there. "" is the default one: the one
// chosen in the settings, else the starter, else the first.
func (s *Service) Find(ctx context.Context, name string) (Model, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Model{}, err
	}
	m, ok := pick(all, name, s.fallback())
	switch {
	case !ok && name == "":
		return m, errs.New(errs.NoModel, 409, "No model is installed yet.").
			Try("install one with: qwill models import PATH --name NAME")
	case !ok:
		return m, ErrUnknown(name)
	case m.Missing:
		return m, errs.New(errs.ModelMissing, 409, "The folder of the model %s is not there.", m.Name).At(m.Path).
			Try("put it back or connect its drive, or remove the entry with: qwill models rm %s", m.Name)
	}
	return m, nil
}

// Smallest gives the installed model of a name, else the one with the fewest
// bytes that is there.
func (s *Service) Smallest(ctx context.Context, name string) (Model, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Model{}, err
	}
	var least Model
	for _, m := range all {
		switch {
		case m.Missing, m.Role != RoleChat:
		case m.Name == name:
			return m, nil
		case least.Name == "" || m.Bytes < least.Bytes:
			least = m
		}
	}
	if least.Name == "" {
		return s.Find(ctx, "") // says what is wrong
	}
	return least, nil
}

func pick(all []Model, name, fallback string) (Model, bool) {
	wanted := []string{name}
	if name == "" {
		wanted = []string{fallback, StarterName}
	}
	for _, w := range wanted {
		for _, m := range all {
			if m.Name == w {
				return m, true
			}
		}
	}
	if name == "" {
		for _, m := range all {
			if m.Role == "" || m.Role == RoleChat {
				return m, true
			}
		}
	}
	return Model{}, false
}

// Resolve gives the model that MODEL names on the command line: an installed
// name, else a folder in MLX form. The starter is installed first when it is
// wanted and not there yet.
func (s *Service) Resolve(ctx context.Context, model string) (Model, error) {
	m, err := s.Find(ctx, model)
	if err == nil || errs.From(err).Code == errs.ModelMissing {
		return m, err
	}
	if model == "" || model == StarterName {
		if err := s.EnsureStarter(ctx); err != nil {
			return m, err
		}
		return s.Find(ctx, model)
	}
	path, aerr := absolute(model)
	if aerr != nil {
		return m, aerr
	}
	if info, serr := os.Stat(path); serr != nil || !info.IsDir() {
		if strings.ContainsRune(model, filepath.Separator) {
			return m, damaged(path, "There is no such folder.", "give an installed model's name or a folder that holds a model in MLX form")
		}
		return m, err // the unknown name
	}
	m, err = Inspect(path)
	m.Name = filepath.Base(path)
	return m, err
}

func absolute(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the home folder: %w", err)
		}
		path = filepath.Join(home, rest)
	}
	return filepath.Abs(path)
}

// nameLimit is the longest name in bytes.
const nameLimit = 64

// CheckName refuses what cannot be a name, and gives it in its normal form.
func CheckName(name string) (string, error) {
	name = norm.NFC.String(name)
	bad := func(why string) (string, error) {
		return "", errs.InvalidField("name", "%q cannot be a model's name: %s.", name, why).
			Try("use letters, digits, dots, dashes and underscores, at most %d bytes", nameLimit)
	}
	switch {
	case name == "":
		return bad("it is empty")
	case len(name) > nameLimit:
		return bad("it is too long")
	case strings.ContainsAny(name[:1], ".-_"):
		return bad("it does not begin with a letter or digit")
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("._-", r) {
			return bad(fmt.Sprintf("it contains %q", r))
		}
	}
	return name, nil
}

// add stores a new entry; the folder of one that cannot be stored is removed
// again when it is ours.
func (s *Service) add(ctx context.Context, m Model) error {
	files, err := hashed(ctx, m.Path) // nothing is listed before all of it was read
	if err == nil {
		err = s.store.AddModel(ctx, m, files)
	}
	if err != nil {
		if m.Owned {
			os.RemoveAll(m.Path)
		}
		return err
	}
	s.tell(ctx)
	return nil
}

// Tell publishes the list.
func (s *Service) Tell(ctx context.Context) { s.tell(ctx) }

func (s *Service) tell(ctx context.Context) {
	if all, err := s.List(ctx); err == nil {
		s.events.Publish(events.Event{Name: "models", Data: all})
	}
}

// free checks that a name is good and not taken, not even in other case: some
// file systems could not tell the folders apart.
func (s *Service) free(ctx context.Context, name string) (string, error) {
	name, err := CheckName(name)
	if err != nil {
		return "", err
	}
	all, err := s.store.Models(ctx)
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if strings.EqualFold(m.Name, name) {
			return "", ErrTaken(m.Name)
		}
	}
	if _, err := os.Lstat(filepath.Join(s.folder, name)); err == nil {
		return "", errs.New(errs.Conflict, 409, "A folder of this name lies in the models folder already.").
			At(filepath.Join(s.folder, name)).Try("choose another name, or move the folder away")
	}
	return name, nil
}

func checkGGUF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errs.New(errs.Invalid, 400, "It cannot be read: %v.", err).At(path).Try("check its permissions")
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || !bytes.Equal(magic, []byte("GGUF")) {
		return errs.New(errs.ModelDamaged, 422, "This is not a GGUF file.").At(path).
			Try("give a .gguf file or a folder in MLX form")
	}
	return nil
}

// convert makes our own folder from a GGUF file. It appears under its name
// only when it is whole.
func (s *Service) convert(ctx context.Context, source, name string) (Model, error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return Model{}, fmt.Errorf("create the models folder: %w", err)
	}
	partial := filepath.Join(s.folder, fmt.Sprintf(".partial-%d-%s", os.Getpid(), name))
	defer os.RemoveAll(partial)
	if _, err := s.engine.Import(ctx, source, partial); err != nil {
		return Model{}, err
	}
	if _, err := Inspect(partial); err != nil {
		return Model{}, err
	}
	target := filepath.Join(s.folder, name)
	if err := os.Rename(partial, target); err != nil {
		return Model{}, fmt.Errorf("put the converted model in its place: %w", err)
	}
	m, err := Inspect(target)
	m.Owned = true
	return m, err
}

// unloadTime is how long a removal waits for what runs on the model.
const unloadTime = 3 * time.Second

// Remove takes a model off the list. Only folders of our own are deleted.
func (s *Service) Remove(ctx context.Context, name string) error {
	s.ops.Lock()
	defer s.ops.Unlock()
	all, err := s.store.Models(ctx)
	if err != nil {
		return err
	}
	m, ok := pick(all, name, "")
	if name == "" || !ok {
		return ErrUnknown(name)
	}
	if s.unload != nil {
		wait, cancel := context.WithTimeout(ctx, unloadTime)
		err := s.unload(wait, m.Path)
		cancel()
		if err != nil {
			return err
		}
	}
	if err := s.store.RemoveModel(ctx, name); err != nil {
		return err
	}
	defer s.tell(ctx)
	if m.Starter {
		// Told apart from "not installed yet", so that it does not come back.
		if err := os.WriteFile(s.removedMark(), nil, 0o600); err != nil {
			return fmt.Errorf("remember that the starter was removed: %w", err)
		}
	}
	if !m.Owned || filepath.Dir(m.Path) != s.folder {
		return nil
	}
	trash := filepath.Join(s.folder, fmt.Sprintf(".removed-%d-%s", os.Getpid(), name))
	if err := os.Rename(m.Path, trash); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the model's folder: %w", err)
	}
	if err := os.RemoveAll(trash); err != nil {
		return fmt.Errorf("delete the model's folder: %w", err)
	}
	return nil
}

// Rescan lists again what lies whole in our folder but is on no list, as after
// a new database, and clears leftovers of ended conversions and removals.
func (s *Service) Rescan(ctx context.Context) error {
	s.ops.Lock()
	defer s.ops.Unlock()
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	all, err := s.store.Models(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, m := range all {
		known[m.Path] = true
	}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("read the models folder: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(s.folder, e.Name())
		switch {
		case !e.IsDir() || known[path]:
		case strings.HasPrefix(e.Name(), ".partial-"), strings.HasPrefix(e.Name(), ".removed-"):
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
				os.RemoveAll(path)
			}
		default:
			if name, err := CheckName(e.Name()); err == nil {
				s.adopt(ctx, path, name)
			}
		}
	}
	return nil
}

func (s *Service) adopt(ctx context.Context, path, name string) {
	m, err := Inspect(path)
	if err != nil {
		return
	}
	m.Name, m.Owned = name, true
	if name == StarterName {
		describeStarter(&m)
	}
	files, err := hashed(ctx, path)
	if err != nil {
		return
	}
	// A name that is taken meanwhile needs no second entry.
	_ = s.store.AddModel(ctx, m, files)
}

func (s *Service) lock(ctx context.Context) (*filelock.Lock, error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return nil, fmt.Errorf("create the models folder: %w", err)
	}
	return filelock.Exclusive(ctx, filepath.Join(s.folder, ".lock"))
}
