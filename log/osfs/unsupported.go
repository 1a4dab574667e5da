//go:build !linux && !darwin

package osfs

// The build stops here on purpose: what makes a write stable is known for Linux and macOS only.
var _ = logd_runs_on_linux_and_macos_only_because_elsewhere_no_sync_is_known_to_be_one
