package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"qwill/app/errs"
)

// Store keeps the users' commands.
type Store interface {
	// CustomCommands gives them in the user's order.
	CustomCommands(ctx context.Context) ([]Custom, error)
	// PutCustomCommands replaces all of them.
	PutCustomCommands(ctx context.Context, all []Custom) error
}

// Registry is what every door offers: the built-in commands and the user's
// own.
type Registry struct {
	store   Store
	changed func()

	mu     sync.Mutex
	custom []Custom
}

// Open reads the user's commands; changed is called after each change of them.
func Open(ctx context.Context, store Store, changed func()) (*Registry, error) {
	custom, err := store.CustomCommands(ctx)
	if err != nil {
		return nil, err
	}
	return &Registry{store: store, changed: changed, custom: custom}, nil
}

// Reload reads the user's own commands again, which another process may have
// changed.
func (r *Registry) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	custom, err := r.store.CustomCommands(ctx)
	if err == nil {
		r.custom = custom
	}
	return err
}

// All lists the built-in commands, then the user's own. Where one of these
// has a built-in command's key, the latter loses it.
func (r *Registry) All() []Command {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := map[string]bool{}
	for _, c := range r.custom {
		taken[c.Key] = true
	}
	all := All()
	for i := range all {
		if taken[all[i].Key] {
			all[i].Key = ""
		}
	}
	for _, c := range r.custom {
		all = append(all, c.Command())
	}
	return all
}

// Find gives the command of this id, or an error that lists the known ones.
func (r *Registry) Find(id string) (Command, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.index(id); i >= 0 {
		return r.custom[i].Command(), nil
	}
	c, err := Find(id)
	if err != nil && len(r.custom) > 0 {
		names := IDs()
		for _, c := range r.custom {
			names = append(names, c.ID)
		}
		err = errs.InvalidField("command", "There is no command %q.", clip(id, 40)).Try("use one of %s", strings.Join(names, ", "))
	}
	return c, err
}

// Custom lists the user's commands.
func (r *Registry) Custom() []Custom {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.custom)
}

func (r *Registry) index(id string) int {
	return slices.IndexFunc(r.custom, func(c Custom) bool { return c.ID == id })
}

// ErrNoCommand says that the user has no command of this id.
func ErrNoCommand(id string) *errs.Error {
	return errs.New(errs.NotFound, 404, "You have no command of this name.").At(clip(id, 60)).Try("see yours with: qwill commands list")
}

// Put creates a command, whose ID is made from its title when it has none, or
// replaces the one of its ID.
func (r *Registry) Put(ctx context.Context, c Custom) (Custom, error) {
	if err := c.Validate(); err != nil {
		return c, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := slices.Clone(r.custom)
	if c.ID == "" {
		c.ID = unused(slug(c.Title), next)
	}
	if i := r.index(c.ID); i >= 0 {
		next[i] = c
	} else {
		next = append(next, c)
	}
	return c, r.save(ctx, clearKey(next, c))
}

// clearKey takes the key of c from the others.
func clearKey(all []Custom, c Custom) []Custom {
	for i := range all {
		if c.Key != "" && all[i].ID != c.ID && all[i].Key == c.Key {
			all[i].Key = ""
		}
	}
	return all
}

func unused(id string, all []Custom) string {
	for n, try := 2, id; ; n++ {
		if !slices.ContainsFunc(all, func(c Custom) bool { return c.ID == try }) {
			return try
		}
		try = fmt.Sprintf("%s-%d", id, n)
	}
}

func (r *Registry) save(ctx context.Context, next []Custom) error {
	if len(next) > MaxCustom {
		return errs.New(errs.Conflict, 409, "There are %d commands already.", MaxCustom).Try("remove one that you do not use")
	}
	if err := r.store.PutCustomCommands(ctx, next); err != nil {
		return err
	}
	r.custom = next
	if r.changed != nil {
		go r.changed()
	}
	return nil
}

// Remove deletes one of the user's commands.
func (r *Registry) Remove(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.index(id)
	if i < 0 {
		return ErrNoCommand(id)
	}
	return r.save(ctx, slices.Delete(slices.Clone(r.custom), i, i+1))
}

// file is the form in which commands are exchanged.
type file struct {
	Version  int      `json:"qwill_commands"`
	Commands []Custom `json:"commands"`
}

// fileLimit is the largest file of commands in bytes.
const fileLimit = 4 << 20

// Export gives a file of the named commands, or of all.
func (r *Registry) Export(ids ...string) ([]byte, error) {
	all := r.Custom()
	if len(ids) > 0 {
		var some []Custom
		for _, id := range ids {
			i := slices.IndexFunc(all, func(c Custom) bool { return c.ID == id })
			if i < 0 {
				return nil, ErrNoCommand(id)
			}
			some = append(some, all[i])
		}
		all = some
	}
	return json.MarshalIndent(file{1, append([]Custom{}, all...)}, "", "  ")
}

// Import takes in a file of commands; those that are wrong are skipped and
// told of. One that is there already, the same in all, is left alone; another
// of the same id comes in under a new one.
func (r *Registry) Import(ctx context.Context, b []byte) (in []Custom, skipped []*errs.Error, err error) {
	if len(b) > fileLimit {
		return nil, nil, errs.New(errs.TooLarge, 413, "The file is larger than %d MB.", fileLimit>>20)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&f); err != nil || f.Version == 0 {
		return nil, nil, errs.New(errs.BadJSON, 400, "This is no file of Qwill's commands.").Because(err).Try("choose a file that “qwill commands export” or Settings wrote")
	}
	if f.Version > 1 {
		return nil, nil, errs.New(errs.BadJSON, 400, "The file was written by a newer Qwill.").Try("update Qwill first")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := slices.Clone(r.custom)
	for i, c := range f.Commands {
		if err := c.Validate(); err != nil {
			e := errs.From(err)
			skipped = append(skipped, e.At(fmt.Sprintf("%d: %s", i+1, clip(c.Title, 40))))
			continue
		}
		id := c.ID
		if !strings.HasPrefix(id, "my-") || id != slug(strings.TrimPrefix(id, "my-")) {
			id = slug(c.Title)
		}
		c.ID = id
		if slices.ContainsFunc(next, func(old Custom) bool { return alike(old, c) }) {
			continue
		}
		c.ID = unused(id, next)
		if slices.ContainsFunc(next, func(old Custom) bool { return c.Key != "" && old.Key == c.Key }) {
			c.Key = "" // a file takes no key away
		}
		next = append(next, c)
		in = append(in, c)
	}
	if len(in) == 0 {
		return nil, skipped, nil
	}
	if err := r.save(ctx, next); err != nil {
		return nil, nil, err
	}
	return in, skipped, nil
}

func alike(a, b Custom) bool {
	a.Key, b.Key = "", ""
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return errors.Join(err1, err2) == nil && bytes.Equal(x, y)
}
