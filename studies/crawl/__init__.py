"""The study of a word in a web crawl: WARC, WET and WAT files, searched where they lie."""
