"""What can be typed: names, options and help, a module a group of commands.

What a command does is imported when it runs, so that help is quick.
"""
