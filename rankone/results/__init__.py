"""Results: how numbers are summarised, stored, printed, and by which protocol they were measured.

table      columns with units and formats; write and read
tables     the tables there are: FIG4, PHASE_DIAGRAM, CONVERGENCE, CONVERGENCE_THEORY, CONE, FAILED,
           SKIPPED
audit      results.nc of an audit: its variables, written and read
arrays     the same for named arrays in .npz files: RELEVANCE_MAPS
whole      files that are written whole or not at all
runs       long work in units on disk, that survives kill -9, a full disk and damaged files
spread     smallest, median and largest number at each place of a curve
median     a median with its interval, for independent numbers and for clustered ones
null       1 − |cos| of directions that have nothing to do with each other
protocol   corrected and paper: the decisions in which they differ
text       aligned columns, numbers in print
"""
