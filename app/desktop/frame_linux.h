#pragma once

typedef struct {
	int x, y, width, height, maximised, known;
} qwill_place;

void qwill_keep_web_in(const char *dir);

// All of these may be called from any thread; the work is done on GTK's.
void qwill_frame_start(qwill_place saved, int min_width, int min_height);
void qwill_frame_main(int focus);
void qwill_frame_prompt(int width, int height);
void qwill_frame_hide(void);
qwill_place qwill_frame_place(void);

// Implemented in Go; called on GTK's thread when the window lost the focus.
extern void qwillLostFocus(void);
