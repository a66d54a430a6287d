"""Transports: moving frames between a host and the bridge. What is in a frame is none of their business."""
