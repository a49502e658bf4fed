package macos

import (
	"time"
	"unsafe"

	"github.com/progrium/darwinkit/dispatch"
	"github.com/progrium/darwinkit/helper/action"
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"

	"qwill/app/shell"
)

// NewStatus makes the menu bar's item.
func NewStatus() *Status { return &Status{kit: mac} }

// NewServices makes the provider of the Services menu.
func NewServices() *Services { return &Services{kit: mac} }

var mac = &appKit{}

// appKit does what kit says. Its fields belong to the main thread.
type appKit struct {
	item     appkit.StatusItem
	shown    bool
	provider servicesProvider // kept: AppKit does not own it
	handler  handler
}

func onMain(f func()) { dispatch.MainQueue().DispatchAsync(f) }

func (k *appKit) showStatusItem(symbol, title string, entries []shell.Entry) {
	onMain(func() {
		if !k.shown {
			k.item = appkit.StatusBar_SystemStatusBar().StatusItemWithLength(appkit.VariableStatusItemLength)
			k.item.Retain()
			k.shown = true
		}
		k.item.Button().SetImage(appkit.Image_ImageWithSystemSymbolNameAccessibilityDescription(symbol, title))
		k.item.SetMenu(menuOf(title, entries))
	})
}

func menuOf(title string, entries []shell.Entry) appkit.Menu {
	menu := appkit.NewMenuWithTitle(title)
	for _, e := range entries {
		if e.Title == "" {
			menu.AddItem(appkit.MenuItem_SeparatorItem())
			continue
		}
		item := appkit.NewMenuItemWithTitleActionKeyEquivalent(e.Title, objc.Selector{}, "")
		if e.Run != nil { // without an action AppKit greys the line
			action.Set(item, func(objc.Object) { e.Run() })
		}
		if e.Entries != nil {
			item.SetSubmenu(menuOf(e.Title, e.Entries))
		}
		menu.AddItem(item)
	}
	return menu
}

func (k *appKit) removeStatusItem() {
	onMain(func() {
		if k.shown {
			appkit.StatusBar_SystemStatusBar().RemoveStatusItem(k.item)
			k.item.Release()
			k.shown = false
		}
	})
}

func (k *appKit) accessory() {
	onMain(func() {
		appkit.Application_SharedApplication().SetActivationPolicy(appkit.ApplicationActivationPolicyAccessory)
	})
}

func (k *appKit) provideServices(h handler) {
	onMain(func() {
		k.handler = h
		selectors := make([]objc.Selector, len(Selectors))
		for i, s := range Selectors {
			selectors[i] = objc.Sel(s)
		}
		class := objc.NewClass[servicesProvider](selectors...)
		objc.RegisterClass(class)
		k.provider = class.New()
		k.provider.Retain()
		appkit.Application_SharedApplication().SetServicesProvider(k.provider)
	})
}

func (k *appKit) withdrawServices() {
	onMain(func() { appkit.Application_SharedApplication().SetServicesProvider(objc.Object{}) })
}

// servicesProvider is the Objective-C object that AppKit calls. It may hold
// nothing but the object: darwinkit makes it anew for each call.
type servicesProvider struct {
	objc.Object
}

// ReplaceTextUserDataError answers ReplaceSelector.
func (p servicesProvider) ReplaceTextUserDataError(pb appkit.Pasteboard, userData string, message unsafe.Pointer) {
	serve(ReplaceSelector, pb, userData, message)
}

// OpenTextUserDataError answers OpenSelector.
func (p servicesProvider) OpenTextUserDataError(pb appkit.Pasteboard, userData string, message unsafe.Pointer) {
	serve(OpenSelector, pb, userData, message)
}

// serve hands a call on; message is an NSString** for the user.
func serve(selector string, pb appkit.Pasteboard, userData string, message unsafe.Pointer) {
	if text := mac.handler(selector, macPasteboard{pb}, userData, runLoop); text != "" && message != nil {
		s := foundation.NewStringWithString(text)
		*(*unsafe.Pointer)(message) = s.Ptr()
	}
}

// runLoop keeps the main thread's events going until done is closed.
func runLoop(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			until := foundation.Date_DateWithTimeIntervalSinceNow(foundation.TimeInterval((50 * time.Millisecond).Seconds()))
			foundation.RunLoop_CurrentRunLoop().RunModeBeforeDate(foundation.DefaultRunLoopMode, until)
		}
	}
}

type macPasteboard struct{ pb appkit.Pasteboard }

func (p macPasteboard) text() string { return p.pb.StringForType(appkit.PasteboardTypeString) }

func (p macPasteboard) setText(text string) bool {
	p.pb.ClearContents()
	return p.pb.SetStringForType(text, appkit.PasteboardTypeString)
}
