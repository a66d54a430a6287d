"""Transports: moving frames between this device and others. What is in a frame is none of their business."""
