"""How the journal's file came to be as it is: one step a version, run by itself when the file is opened."""
