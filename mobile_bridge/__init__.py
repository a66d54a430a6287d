"""The bridge: one contract between the runtime on this device and the apps that show it."""
