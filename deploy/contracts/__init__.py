"""What is written from the contracts: frozen schemas, golden samples, the AsyncAPI document, migrations."""
