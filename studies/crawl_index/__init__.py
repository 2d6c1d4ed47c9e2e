"""The study of a word in one site's pages, found through Common Crawl's index."""
