package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"qwill/app/chat"
	"qwill/app/errs"
)

// Presets lists the presets by name.
func (db *DB) Presets(ctx context.Context) ([]chat.Preset, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, name, system_prompt, sampling, thinking, model, created FROM presets ORDER BY name COLLATE NOCASE, id")
	if err != nil {
		return nil, db.wrap("list presets", err)
	}
	defer rows.Close()
	all := []chat.Preset{}
	for rows.Next() {
		var p chat.Preset
		var sampling string
		var created int64
		if err := rows.Scan(&p.ID, &p.Name, &p.SystemPrompt, &sampling, &p.Thinking, &p.Model, &created); err != nil {
			return nil, db.wrap("list presets", err)
		}
		if err := json.Unmarshal([]byte(sampling), &p.Sampling); err != nil {
			return nil, db.wrap("list presets", err)
		}
		p.Created = moment(created)
		all = append(all, p)
	}
	return all, db.wrap("list presets", rows.Err())
}

// PutPreset creates or changes a preset.
func (db *DB) PutPreset(ctx context.Context, p chat.Preset) error {
	sampling, err := json.Marshal(p.Sampling)
	if err != nil {
		return err
	}
	_, err = db.sql.ExecContext(ctx, `INSERT INTO presets (id, name, system_prompt, sampling, thinking, model, created) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, system_prompt = excluded.system_prompt, sampling = excluded.sampling,
		thinking = excluded.thinking, model = excluded.model`, p.ID, p.Name, p.SystemPrompt, string(sampling), p.Thinking, p.Model, millis(p.Created))
	return db.named("save preset", p.Name, err)
}

// DeletePreset removes a preset; chats that took it keep what they took.
func (db *DB) DeletePreset(ctx context.Context, id string) error {
	return db.drop(ctx, "delete preset", "DELETE FROM presets WHERE id = ?", errs.New(errs.NotFound, 404, "There is no such preset.").At(id), id)
}

// NewDraft gives what was typed for a chat that does not exist yet.
func (db *DB) NewDraft(ctx context.Context) (text string, err error) {
	err = db.sql.QueryRowContext(ctx, "SELECT draft FROM new_chat").Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, db.wrap("read draft", err)
}

// SetNewDraft keeps what was typed for a chat that does not exist yet.
func (db *DB) SetNewDraft(ctx context.Context, text string) error {
	_, err := db.sql.ExecContext(ctx, "INSERT INTO new_chat (one, draft) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET draft = excluded.draft", text)
	return db.wrap("save draft", err)
}
