"""What `rankone audit` shows: report.html and figures/, from results.nc and summary.json; judges nothing.

page          write: the page
figures       its pictures for a paper: figures.written.write_figures
reading       Audit: both files, and what is not in them is NaN
looks         a method's colour, marker and dash
spread        medians and quartiles, for curves
wording       numbers as words
verdicts      the table of verdicts, the sentences, the thresholds
charts        curves as geometry: axes, paths, marks
convergence   CSC curves
scores        scores for other classes and destroyed weights
classes       all classes at once
maps          maps as small pictures
ledger        where relevance goes
policy        the page's content-security policy
glossary      terms in plain words, and what nobody judged
sizes         how much of the pictures and curves fits into the page
"""
