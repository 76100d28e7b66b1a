"""What does an audit measure? Each file: its tasks, what a task computes, where its numbers go.

measurement     what they have in common
values          the variables of the results, filled measurement by measurement
predictions     the classes that the network predicts
image           another image, and the edges of its own: is the map another one?
other_classes   another class is asked for
weights         weights are destroyed
repeats         the same again, alone and in a batch
convergence     random relevance from many layers: where does it become parallel?
foretold        the same, predicted from the factors
columns         all classes at once: the operator, and for chains ≥ 0 their cone
certificate     the same, proved
books           where relevance goes
pictures        a few maps, to be looked at
every           all of them, in the order in which they are done
"""
