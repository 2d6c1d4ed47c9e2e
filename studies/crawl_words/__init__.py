"""The study of a word in a web crawl, counted twice: by Lambda functions and by mrjob."""
