#!/usr/bin/env python3
"""Moves the clock of a simulator ahead by a minute: the --advance-cmd of run.py. Usage: advance.py BASE_URL"""
import sys
import urllib.request

urllib.request.urlopen(sys.argv[1] + "/_simulator/clock", data=b'{"advance_ms": 60000}', timeout=10).read()
