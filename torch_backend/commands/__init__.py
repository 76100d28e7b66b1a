"""What does a command do? What `rankone X` runs: measure, write the files, word the summary.

csc           cosine similarity convergence: tables and verdicts
predict       the same, from one pass of the factors: where all will be parallel
cone          how far apart the maps of any two classes can be
certify       the same, proved
relevance     maps of single units, and the books
model         a network's nodes and their names
sanity        do maps depend on the class, and on the weights?
claims        the paper's claims on trained networks
patterns      the patterns that PatternNet needs
audit         all of them: what may be said of a method
audited       what an audit found, as files
carrying      its tasks, for whoever carries them out
opening       what the options name: a network and images
device        where it is computed
extra         inputs beside the images
region        a part of an output over space
subjects      methods, means of maps and controls as written on a command line
tool_file     any tool in a file of one's own
method_names  methods as written on a command line
numbers       whole numbers as written on a command line
progress      how long it will take, on stderr
keeping       parts of a measurement as units on disk
"""
