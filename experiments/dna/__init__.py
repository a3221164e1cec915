"""Genes in genomes."""
