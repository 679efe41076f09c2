"""The daemon as a service of this user: it starts with the machine, and an icon opens its page.

What is written is worked out first, as a plan, for any platform; `carry` then writes it and asks the system.
Nothing here needs an administrator's rights.
"""
