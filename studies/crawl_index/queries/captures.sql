-- Where the pages of one domain lie. The order makes the limit a choice that anyone can repeat:
-- Common Crawl spreads a domain's pages over its files by chance, so the first are a sample.
SELECT url, warc_filename, warc_record_offset, warc_record_length
FROM ccindex
WHERE url_host_registered_domain = 'wikipedia.org'
  AND fetch_status = 200
  AND content_mime_detected = 'text/html'
ORDER BY warc_filename, warc_record_offset
LIMIT 1000
