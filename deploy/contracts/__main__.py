"""`make contracts`: writes the generated files again and says which of them changed."""

from deploy.contracts.documents import write

for path in write():
    print(path)
