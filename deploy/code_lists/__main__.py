"""`make code-list ARGS="nace-2.1 FILE"`: writes a shipped code list again from its publisher's file.

It says which codes came and which went. A stored event keeps what it holds, whatever is on the list by then.
"""

import sys
from pathlib import Path

from contracts.code_lists.lists import DIRECTORY
from deploy.code_lists.publishers import PUBLICATIONS, UnlikelyError
from deploy.code_lists.writing import write

match sys.argv[1:]:
    case [name, file] if name in PUBLICATIONS:
        try:
            for line in write(DIRECTORY, name, Path(file)):
                print(line)
        except (UnlikelyError, OSError) as why:
            sys.exit(f"nothing was written: {why}")
    case _:
        sys.exit(f"usage: make code-list ARGS='LIST FILE', where LIST is one of {', '.join(PUBLICATIONS)}")
