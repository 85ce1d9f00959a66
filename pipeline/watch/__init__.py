"""What is known of a site now and in the last hours, folded from the topics: for the page and for the API."""
