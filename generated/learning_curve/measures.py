"""What is measured, and how deep a ranking is kept: read by the stages that judge, and by no other."""

DEPTH = 100
PRIMARY = "nDCG@10"
METRICS = [PRIMARY, "R@10"]
