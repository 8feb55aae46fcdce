"""
Ours, measured in one run: figures as ratios, so that they hold on another machine.
"""
