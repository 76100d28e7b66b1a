"""What holds for all classes of a network at once? In float64, or with a proof.

class_cone     how far apart the maps of any two classes can be, in float64

Certificates; their records, bounds and verifier are in rankone.proof:

network_proof  the chain of one image, ready to be certified: begin, NetworkProof, Certified
in_float64     a traced network carried out in float64
export         a network and a method as records
windows        what a pooling reads, found by asking it
stretch        columns on their way from one layer of the trunk to the next
all_columns    what all columns have in common at each layer, within a budget of time and memory: Room
share_range    the largest and smallest share of each unit, from columns in blocks
pairs          the extremes over all pairs of columns, on the device where they are
witness        that convolutions are carried out as the sums of products that they are
beside         what a sample sees of it, and where relevance went
"""
