"""Breaking the glass: an emergency opens a chart for somebody who is no member, and leaves a mark that stays.

Owns the facility's token, the desk's announcement, the act itself, kits that carry charts sealed, and the review. No
key comes out before the act is durable: here on a kit, at the relay where there is a network.
"""
