"""
Ours beside its peers, measured in one run: ratios hold on another machine, rates do not.
"""
