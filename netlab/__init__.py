"""netlab: Kubernetes' network, in the open."""
