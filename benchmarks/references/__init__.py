"""What public implementations do, written anew from their published recipes, to be measured against.

Each lowers a loss that it is given the weights of, with its own framework, optimizer and settings. All are generators
of an `Iterate` for each evaluation of the loss and its gradient, so that a program can stop the clock between two.
"""
