"""Keys that work whatever window has the focus: by X11, by the kernel's input devices, by the desktop's portal."""
