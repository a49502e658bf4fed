//go:build desktop

// The window's two shapes in GTK 3. Wails cannot take a window's frame off
// while it runs, nor tell when it loses the focus.
#include "frame_linux.h"

#include <gtk/gtk.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

static GtkWindow *window;
static gboolean is_prompt;
static qwill_place place; // the main window's, guarded by lock
static int min_width, min_height;
static GMutex lock;

static gboolean check_focus(gpointer unused) {
	// Popup menus take the focus for a moment; only a lasting loss counts.
	if (gtk_widget_get_visible(GTK_WIDGET(window)) && !gtk_window_is_active(window)) qwillLostFocus();
	return G_SOURCE_REMOVE;
}

static gboolean on_focus_out(GtkWidget *w, GdkEvent *e, gpointer unused) {
	if (is_prompt) g_timeout_add(150, check_focus, NULL);
	return FALSE;
}

static gboolean on_configure(GtkWidget *w, GdkEvent *e, gpointer unused) {
	if (is_prompt || !gtk_widget_get_visible(w)) return FALSE;
	g_mutex_lock(&lock);
	place.maximised = gtk_window_is_maximized(window);
	if (!place.maximised) {
		gtk_window_get_position(window, &place.x, &place.y);
		gtk_window_get_size(window, &place.width, &place.height);
		place.known = TRUE;
	}
	g_mutex_unlock(&lock);
	return FALSE;
}

// Finds the window that Wails made; it is the only one at the start.
static gboolean ready(void) {
	if (window) return TRUE;
	GList *all = gtk_window_list_toplevels();
	for (GList *l = all; l && !window; l = l->next) {
		GtkWindow *w = GTK_WINDOW(l->data);
		if (gtk_window_get_window_type(w) == GTK_WINDOW_TOPLEVEL && gtk_bin_get_child(GTK_BIN(w))) window = w;
	}
	g_list_free(all);
	if (!window) return FALSE;
	g_signal_connect(window, "focus-out-event", G_CALLBACK(on_focus_out), NULL);
	g_signal_connect(window, "configure-event", G_CALLBACK(on_configure), NULL);
	return TRUE;
}

static void set_minimum(int width, int height) {
	GdkGeometry g = {.min_width = width, .min_height = height};
	gtk_window_set_geometry_hints(window, NULL, &g, GDK_HINT_MIN_SIZE);
}

static void present(void) {
	guint32 now = GDK_CURRENT_TIME;
#ifdef GDK_WINDOWING_X11
	// Without a time window managers take the request for stolen focus.
	GdkWindow *gdk = gtk_widget_get_window(GTK_WIDGET(window));
	if (gdk && GDK_IS_X11_WINDOW(gdk)) now = gdk_x11_get_server_time(gdk);
#endif
	gtk_window_present_with_time(window, now);
}

static gboolean do_main(gpointer focus) {
	if (!ready()) return G_SOURCE_REMOVE;
	is_prompt = FALSE;
	g_mutex_lock(&lock);
	qwill_place to = place;
	g_mutex_unlock(&lock);
	gtk_window_set_keep_above(window, FALSE);
	gtk_window_set_skip_taskbar_hint(window, FALSE);
	gtk_window_set_decorated(window, TRUE);
	set_minimum(min_width, min_height);
	gtk_window_resize(window, to.width, to.height);
	if (to.known) gtk_window_move(window, to.x, to.y);
	else gtk_window_set_position(window, GTK_WIN_POS_CENTER);
	if (to.maximised) gtk_window_maximize(window);
	if (GPOINTER_TO_INT(focus)) {
		gtk_widget_show(GTK_WIDGET(window));
		present();
	}
	return G_SOURCE_REMOVE;
}

static gboolean do_prompt(gpointer size) {
	if (!ready()) return G_SOURCE_REMOVE;
	int width = GPOINTER_TO_INT(size) >> 16, height = GPOINTER_TO_INT(size) & 0xffff;
	is_prompt = TRUE;
	gtk_window_unmaximize(window);
	gtk_window_set_decorated(window, FALSE);
	gtk_window_set_keep_above(window, TRUE);
	gtk_window_set_skip_taskbar_hint(window, TRUE);
	set_minimum(width, 1);
	gtk_window_resize(window, width, height);

	// Centred on the monitor with the pointer, in its upper third.
	GdkDisplay *display = gtk_widget_get_display(GTK_WIDGET(window));
	GdkSeat *seat = gdk_display_get_default_seat(display);
	GdkMonitor *monitor = NULL;
	if (seat) {
		int x, y;
		gdk_device_get_position(gdk_seat_get_pointer(seat), NULL, &x, &y);
		monitor = gdk_display_get_monitor_at_point(display, x, y);
	}
	if (monitor) {
		GdkRectangle area;
		gdk_monitor_get_workarea(monitor, &area);
		gtk_window_move(window, area.x + (area.width - width) / 2, area.y + MAX(0, (area.height - height) / 3));
	}
	gtk_widget_show(GTK_WIDGET(window));
	present();
	return G_SOURCE_REMOVE;
}

static gboolean do_hide(gpointer unused) {
	if (ready()) gtk_widget_hide(GTK_WIDGET(window));
	return G_SOURCE_REMOVE;
}

// GLib reads these variables once and WebKit asks GLib; the programs that Qwill
// starts, such as the browser, get the user's own values.
void qwill_keep_web_in(const char *dir) {
	const char *names[] = {"XDG_DATA_HOME", "XDG_CACHE_HOME"};
	char *before[2];
	for (int i = 0; i < 2; i++) {
		before[i] = g_strdup(g_getenv(names[i]));
		g_setenv(names[i], dir, TRUE);
	}
	g_get_user_data_dir();
	g_get_user_cache_dir();
	for (int i = 0; i < 2; i++) {
		if (before[i]) g_setenv(names[i], before[i], TRUE);
		else g_unsetenv(names[i]);
		g_free(before[i]);
	}
}

// A blinking caret wakes three processes 40 times a second. A blink of 25 days
// is none; to switch blinking off would make WebKit 2.50 toggle it at every frame.
static gboolean do_still_caret(gpointer unused) {
	g_object_set(gtk_settings_get_default(), "gtk-cursor-blink-time", G_MAXINT, NULL);
	return G_SOURCE_REMOVE;
}

void qwill_frame_start(qwill_place saved, int width, int height) {
	g_mutex_lock(&lock);
	place = saved;
	g_mutex_unlock(&lock);
	min_width = width;
	min_height = height;
	g_idle_add(do_still_caret, NULL); // before the window is first shown
}

void qwill_frame_main(int focus) { g_idle_add(do_main, GINT_TO_POINTER(focus)); }
void qwill_frame_prompt(int width, int height) { g_idle_add(do_prompt, GINT_TO_POINTER(width << 16 | height)); }
void qwill_frame_hide(void) { g_idle_add(do_hide, NULL); }

qwill_place qwill_frame_place(void) {
	g_mutex_lock(&lock);
	qwill_place p = place;
	g_mutex_unlock(&lock);
	return p;
}
