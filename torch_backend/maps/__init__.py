"""Which map? Saliency maps of chains, and of methods that are no chains."""
