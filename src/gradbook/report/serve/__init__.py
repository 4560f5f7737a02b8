"""The page that is served on one's own machine, to mark workbooks and work networks.

Says what stands where. Doesn't know what answers its script, nor how.
"""
