"""Does the map depend on what it claims to explain? On the class asked for, on the weights.

stages        a network's layers in the order in which their weights are destroyed
randomized    other weights, drawn at random, in some layers
forward_alone a method on random weights, with everything the forward pass computed kept
random_logit  another class is asked for
cascade       weights are destroyed, layer by layer
subject       what is examined: a method, made anew for each network
case          the network, images and classes that it is examined on
part          some images, and a unit: one subject and one test of them
study         all tests of several subjects, in units on disk
table         what they found, as rows
options       what an audit was asked for
bench         what it loads once in a process
measured      what it measures, a file for each
tasks         it as independent tasks, each one unit on disk, and the results gathered from them
judging       the numbers that each question about a method is judged by
corrections   what each correction of the paper's code changes by itself
hidden        what a tool does to its maps before it shows them
tool          any tool's maps, on any weights                         Tool
written       other weights, written into the model itself
attribute     the audit of any tool's maps                            of, Audited
class_matrix  maps of any two classes
steadiness    is it the same map again, and alone?
comparison    how alike two maps are, beside what maps that have nothing in common would be
claims        what trained networks say of the claims of the paper and others
"""

from torch_backend.audit.attribute import Audited, of
from torch_backend.audit.tool import Tool

__all__ = ["Audited", "Tool", "of"]
