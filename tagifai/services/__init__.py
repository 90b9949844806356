"""Answer what the page, the command line and the API ask, one service a subject."""
