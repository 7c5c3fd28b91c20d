"""LINUX NOUNS: namespaces, links, addresses, routes, nft tables and processes; one vocabulary for desired AND observed.

Frozen and comparable; each prints in the language of ip, sysctl and nft. No Kubernetes words, no input or output.
"""
