"""The care report: a day of one room on a page."""
