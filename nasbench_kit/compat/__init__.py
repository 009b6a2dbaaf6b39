"""The interfaces of the official packages, answered from stores: code written for them runs with one import changed."""
