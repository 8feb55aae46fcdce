"""
A workload that looks like a real network, driven over HTTP.

Why it exists: rates and latencies measured with uniform members, filler words and no reads say
nothing about a network of friends. Here the friend graph is scale-free and clustered, the mix is
dominated by reads, deletions come soon after posting, and everything said is real poetry. The
simulator is a client like any other: it knows routes and answers, and nothing of the code behind
them.
"""
