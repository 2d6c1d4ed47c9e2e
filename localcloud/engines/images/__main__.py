"""`python -m localcloud.engines.images build CONTEXT -f FILE`: the local cloud's docker.

`python -m localcloud.engines.images where FOLDER` prints the Python of an image's environment.
"""

import sys

from localcloud.engines.images import where
from localcloud.engines.images.docker import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["where"]:
        sys.exit(where.main(sys.argv[2:]))
    main()
