"""The people behind partners: who signs, who is asked, until when. Personal data, which never leaves in a fact."""
