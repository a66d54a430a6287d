"""Becoming a member, and making others members: organisation, relay, invitation, request, approval.

The relay files requests and hands out certificates that an administrator's device has signed; it can neither enrol nor
put keys in.
"""
